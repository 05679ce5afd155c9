"use strict";
// Boxes on a picture, in its own pixels: from a pointer's way over it, moved by keys, as text such as 200x260+300+420.
const boxes = (() => {
  function sizeOf(image) {
    const width = Number(image.dataset.width) || image.naturalWidth, height = Number(image.dataset.height) || image.naturalHeight;
    const isTurned = (width > height) !== (image.naturalWidth > image.naturalHeight) && width !== height;  // as its EXIF says
    return isTurned ? { width: height, height: width } : { width, height };
  }

  function pointIn(event, image, size) {
    const place = image.getBoundingClientRect();
    const inside = (share) => Math.max(0, Math.min(share, 1));  // a pointer that leaves the picture stays at its edge
    return {
      x: inside((event.clientX - place.left) / place.width) * size.width,
      y: inside((event.clientY - place.top) / place.height) * size.height,
    };
  }

  function between(one, other) {
    return { left: Math.min(one.x, other.x), top: Math.min(one.y, other.y), width: Math.abs(one.x - other.x), height: Math.abs(one.y - other.y) };
  }

  function middle(size) {
    const [width, height] = [Math.max(1, Math.round(size.width / 2)), Math.max(1, Math.round(size.height / 2))];
    return { left: Math.floor((size.width - width) / 2), top: Math.floor((size.height - height) / 2), width, height };
  }

  function within(box, size) {
    const [width, height] = [length(box.width, size.width), length(box.height, size.height)];
    return { left: start(box.left, size.width - width), top: start(box.top, size.height - height), width, height };
  }

  function length(given, most) {
    return Math.max(1, Math.min(Math.round(given), most));
  }

  function start(given, last) {
    return Math.max(0, Math.min(Math.round(given), last));
  }

  function boxText(box) {
    return `${box.width}x${box.height}+${box.left}+${box.top}`;
  }

  function readBox(text, size) {
    const parts = /^\s*(\d{1,6})x(\d{1,6})\+(\d{1,6})\+(\d{1,6})\s*$/.exec(text);
    if (!parts) return null;
    const [width, height, left, top] = parts.slice(1).map(Number);
    const isInside = width > 0 && height > 0 && left + width <= size.width && top + height <= size.height;
    return isInside ? { width, height, left, top } : null;
  }

  return { sizeOf, pointIn, between, middle, within, boxText, readBox };
})();
