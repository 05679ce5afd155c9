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
    return { x: ((event.clientX - place.left) / place.width) * size.width, y: ((event.clientY - place.top) / place.height) * size.height };
  }

  function between(one, other) {
    return { left: Math.min(one.x, other.x), top: Math.min(one.y, other.y), width: Math.abs(one.x - other.x), height: Math.abs(one.y - other.y) };
  }

  function middle(size) {
    const [width, height] = [Math.max(1, Math.round(size.width / 2)), Math.max(1, Math.round(size.height / 2))];
    return { left: Math.floor((size.width - width) / 2), top: Math.floor((size.height - height) / 2), width, height };
  }

  function within(box, size) {
    const side = (start, length, most) => {
      const from = Math.max(0, Math.min(Math.round(start), most - 1));
      const cut = Math.round(start) < 0 ? Math.round(length) + Math.round(start) : Math.round(length);
      return [from, Math.max(1, Math.min(cut, most - from))];
    };
    const moved = (start, length, most) => Math.max(0, Math.min(start, most - length));  // a box that is moved keeps its size
    const isMoved = Number.isInteger(box.left) && Number.isInteger(box.width);
    const [left, width] = isMoved ? [moved(box.left, Math.min(box.width, size.width), size.width), Math.min(box.width, size.width)] : side(box.left, box.width, size.width);
    const [top, height] = isMoved ? [moved(box.top, Math.min(box.height, size.height), size.height), Math.min(box.height, size.height)] : side(box.top, box.height, size.height);
    return { left, top, width, height };
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
