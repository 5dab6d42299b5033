import { useState, type KeyboardEvent } from "react";
import { Link, useNavigate } from "react-router";

import { Filter } from "@/components/filter";

import { search } from "./search";

/** Finds places in the guide while one types. Enter opens the first. */
export function SearchBox() {
  const [words, setWords] = useState("");
  const navigate = useNavigate();
  const hits = words.trim() ? search(words) : [];
  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key === "Escape") setWords("");
    if (key === "Enter" && hits[0]) {
      void navigate(hits[0].path);
      setWords("");
    }
  };
  return (
    <div role="search" className="relative w-full sm:w-72" onKeyDown={onKeyDown}>
      <Filter label="Search the guide" value={words} onChange={setWords} />
      {words.trim() && (
        <div className="absolute right-0 z-10 mt-1 max-h-[70dvh] w-full overflow-y-auto rounded-lg border border-line bg-surface p-1 shadow-raised sm:w-96">
          <p role="status" className={hits.length > 0 ? "sr-only" : "px-2.5 py-2 text-sm text-soft"}>
            {hits.length > 0 ? `${hits.length} found` : "Nothing in the guide has these words."}
          </p>
          <ul>
            {hits.map(({ path, title, page, excerpt }) => (
              <li key={path}>
                <Link
                  to={path}
                  onClick={() => setWords("")}
                  // Enter on a link is the link's own.
                  onKeyDown={(event) => event.key === "Enter" && event.stopPropagation()}
                  className="block rounded-md px-2.5 py-2 text-sm hover:bg-sunken"
                >
                  <span className="font-medium">{title}</span>
                  {title !== page && <span className="text-soft"> · {page}</span>}
                  <span className="block text-soft">{excerpt}</span>
                </Link>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
