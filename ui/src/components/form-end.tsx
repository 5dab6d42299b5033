import { Button } from "./button";
import { DialogActions } from "./dialog";
import { Notice } from "./notice";
import { Words } from "./words";

interface FormEndProps {
  /** The deed, as a verb with its object: `Make tunnel`. */
  action: string;
  danger?: boolean | undefined;
  busy: boolean;
  /** What the server says against the whole of it. */
  problem: string | null;
  /** What takes so long, said while it does. */
  waiting?: string;
  /** The way out; without it there is none but the deed. */
  onCancel?: () => void;
}

/** The end of a form: why it was not done, the way out, and the deed. */
export function FormEnd({ action, danger, busy, problem, waiting, onCancel }: FormEndProps) {
  return (
    <>
      {problem && (
        <Notice tone="bad" urgent>
          <Words>{problem}</Words>
        </Notice>
      )}
      {waiting && (
        <p role="status" className="text-sm text-soft empty:hidden">
          {busy && waiting}
        </p>
      )}
      <DialogActions>
        {onCancel && <Button onClick={onCancel}>Cancel</Button>}
        <Button type="submit" variant={danger ? "danger" : "primary"} busy={busy}>
          {action}
        </Button>
      </DialogActions>
    </>
  );
}
