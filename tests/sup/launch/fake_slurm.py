"""SLURM's commands on one machine, as far as submitit uses them: jobs run in the background.

In their folder they keep the last script, the state of each job, and what was asked of scontrol.
"""

import os
from pathlib import Path

import pytest

SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do [[ $1 == --output ]] && { output=$2; shift; }; shift; done
output=${output//%A/$SLURM_ARRAY_JOB_ID}; output=${output//%a/$SLURM_ARRAY_TASK_ID}
output=${output//%j/$SLURM_JOB_ID}
exec "$@" >> "${output//%t/0}" 2>&1
"""

SBATCH = """#!/bin/bash
cd $(dirname $0)
cp $1 script
run() {  # a job, by its name
    export SLURM_JOB_ID=$1 SLURM_JOB_NAME=superposition SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1
    export SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_JOB_NODELIST=localhost
    [[ $1 == *_* ]] && export SLURM_ARRAY_JOB_ID=${1%_*} SLURM_ARRAY_TASK_ID=${1#*_}
    echo RUNNING > state-$1
    bash script; status=$?
    while [[ -e again-$1 ]]; do rm again-$1; bash script; status=$?; done
    ((status)) && echo FAILED > state-$1 || echo COMPLETED > state-$1
}
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' script)
[[ $last ]] && jobs=$(seq -f "$$_%g" 0 $last) || jobs=$$
echo $$ > number
for job in $jobs; do echo PENDING > state-$job; done
for job in $jobs; do run $job > /dev/null 2>&1 & done
echo Submitted batch job $$
"""

SCONTROL = """#!/bin/bash
cd $(dirname $0)
echo $* >> asked
touch again-$2
"""

SACCT = """#!/bin/bash
cd $(dirname $0)
echo "JobID|State|NodeList"
for state in state-*; do echo "${state#*-}|$(cat $state)|node"; done
"""

COMMANDS = {"sbatch": SBATCH, "scontrol": SCONTROL, "srun": SRUN, "sacct": SACCT}


def put_into_path(folder: Path, commands: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Write commands to a folder, which is made, and have them found first."""
    folder.mkdir()
    for name, text in commands.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def number_of_last(folder: Path) -> str:
    """Return the number of the last job, or array of jobs, that was submitted."""
    return (folder / "number").read_text().strip()
