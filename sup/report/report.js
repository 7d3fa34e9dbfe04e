// The explorer stands in a frame, as tall as what it holds; wide pictures scroll on a phone, and
// those of many panels have more room than the text.
const frame = document.querySelector("iframe");
frame?.addEventListener("load", () => {
  const inside = frame.contentDocument.documentElement;
  const fit = () => { frame.style.height = `${frame.contentDocument.body.offsetHeight + 4}px`; };
  new ResizeObserver(fit).observe(frame.contentDocument.body);
  fit();
  inside.style.overflowX = "hidden";
});
for (const image of document.querySelectorAll("figure img")) {
  const mark = () => {
    image.classList.toggle("wide", image.naturalWidth > 1000);
    image.classList.toggle("large", image.naturalWidth > 1500);
  };
  if (image.complete) mark(); else image.addEventListener("load", mark);
}
