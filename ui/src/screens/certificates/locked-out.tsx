/** What it means to lose the only certificate there is. */
export function LockedOut() {
  return (
    <>
      Your old certificate is dead: without the new one nobody can open this panel. Then only{" "}
      <code className="font-mono">portlama server reset-admin</code> on the server helps.
    </>
  );
}
