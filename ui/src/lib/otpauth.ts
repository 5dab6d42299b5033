/** The seed inside an `otpauth://` address, for apps without a camera. */
export function secretOf(uri: string): string {
  return new URL(uri).searchParams.get("secret") ?? uri;
}
