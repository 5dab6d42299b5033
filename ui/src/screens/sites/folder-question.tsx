import type { Site } from "@/api/schema";
import { Button } from "@/components/button";
import { Dialog, DialogActions } from "@/components/dialog";
import { usePublicAddress } from "@/lib/public-address";

import { unwrap } from "./dropped";
import type { NewUpload } from "./upload-view";

interface FolderQuestionProps {
  site: Site;
  /** The folder that holds everything. */
  name: string;
  files: NewUpload[];
  onAnswer: (files: NewUpload[]) => void;
  onClose: () => void;
}

/** Asks whether a folder with a front page is the site, or a part of it. */
export function FolderQuestion({ site, name, files, onAnswer, onClose }: FolderQuestionProps) {
  const address = usePublicAddress()(site.fqdn);
  const answer = (files: NewUpload[]) => {
    onAnswer(files);
    onClose();
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={`Is ${name} the whole site?`}
      lead="It has an index.html. Choose at which address that page is shown."
    >
      <ul className="flex flex-col gap-1 text-sm">
        <li>
          Its content alone: <code className="wrap-anywhere">{`${address}/`}</code>
        </li>
        <li>
          The folder: <code className="wrap-anywhere">{`${address}/${name}/`}</code>
        </li>
      </ul>
      <DialogActions>
        <Button onClick={() => answer(files)}>Upload the folder</Button>
        <Button variant="primary" onClick={() => answer(unwrap(files, name))}>
          Upload its content
        </Button>
      </DialogActions>
    </Dialog>
  );
}
