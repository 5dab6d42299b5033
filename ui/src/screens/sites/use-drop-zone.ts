import { useEffect, useRef, useState, type DragEvent } from "react";

/** Handlers for an element that takes files from outside the browser. */
export function useDropZone(onDrop: (transfer: DataTransfer) => void) {
  const [isOver, setOver] = useState(false);
  // The pointer enters and leaves every child, too.
  const depth = useRef(0);
  const holdsFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  useEffect(() => {
    window.addEventListener("dragover", keepPage);
    window.addEventListener("drop", keepPage);
    return () => {
      window.removeEventListener("dragover", keepPage);
      window.removeEventListener("drop", keepPage);
    };
  }, []);
  const zone = {
    onDragEnter(event: DragEvent) {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      depth.current += 1;
      setOver(true);
    },
    onDragOver(event: DragEvent) {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    },
    onDragLeave(event: DragEvent) {
      if (!holdsFiles(event)) return;
      depth.current -= 1;
      if (depth.current <= 0) end();
    },
    onDrop(event: DragEvent) {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      end();
      onDrop(event.dataTransfer);
    },
  };
  const end = () => {
    depth.current = 0;
    setOver(false);
  };
  return { isOver, zone };
}

/** A file that falls beside the element would else be opened in place of the panel. */
function keepPage(event: globalThis.DragEvent) {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
}
