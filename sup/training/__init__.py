"""Training one stack: module, data, engines, optimizer, schedule, several devices, loggers."""
