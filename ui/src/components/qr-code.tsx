import { QRCodeSVG } from "qrcode.react";

/** Dark on light in both themes: many cameras read nothing else. */
export function QrCode({ text, label }: { text: string; label: string }) {
  return (
    <QRCodeSVG
      value={text}
      size={200}
      marginSize={3}
      level="M"
      bgColor="#ffffff"
      fgColor="#000000"
      title={label}
      className="h-auto max-w-full rounded-lg border border-line"
    />
  );
}
