import { useRef, useState, type DragEvent } from "react";

/** Handlers for an element that takes files from outside the browser. */
export function useDropZone(onDrop: (transfer: DataTransfer) => void) {
  const [isOver, setOver] = useState(false);
  // The pointer enters and leaves every child, too.
  const depth = useRef(0);
  const holdsFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
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
