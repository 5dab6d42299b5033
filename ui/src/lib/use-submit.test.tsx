import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useForm } from "react-hook-form";
import { expect, test } from "vitest";

import { ApiError } from "@/api/error";
import { CheckboxField, TextField } from "@/components/field";

import { useSubmit } from "./use-submit";

const issue = (...path: (string | number)[]) => ({ path, message: "must be right" });

interface FormProps {
  error?: string;
  status?: number;
  issues?: ReturnType<typeof issue>[];
}

function Form({ error = "Validation failed", status = 400, issues }: FormProps) {
  const form = useForm({ defaultValues: { first: "", second: "", hidden: "", missing: "" } });
  const { errors } = form.formState;
  const details = issues && { issues };
  const { submit, problem } = useSubmit(form, () => Promise.reject(ApiError.of({ status, body: { error, details } })), [
    ["the thing is gone", "missing", "second"],
    ["nobody is called `…` here", "first"],
  ]);
  return (
    <form onSubmit={(event) => void submit(event)}>
      <TextField label="First" error={errors.first?.message} {...form.register("first")} />
      <TextField label="Second" error={errors.second?.message} {...form.register("second")} />
      <details>
        <summary>More</summary>
        <CheckboxField label="Hidden" error={errors.hidden?.message} {...form.register("hidden")} />
      </details>
      <button>Send</button>
      <p role="alert">{problem}</p>
    </form>
  );
}

async function send(props: FormProps) {
  render(<Form {...props} />);
  await userEvent.click(screen.getByRole("button"));
}

const first = () => screen.getByRole("textbox", { name: "First" });
const second = () => screen.getByRole("textbox", { name: "Second" });

test("each message stands at its field, and the first wrong field gets the focus", async () => {
  await send({ issues: [issue("second"), issue("first")] });
  await waitFor(() => expect(first()).toHaveFocus());
  expect(first()).toHaveAccessibleDescription("Must be right.");
  expect(second()).toHaveAccessibleDescription("Must be right.");
  expect(screen.getByRole("alert")).toBeEmptyDOMElement();
});

test("what is wrong with one of a list stands at the list, and says with which", async () => {
  await send({ issues: [issue("second", 1)] });
  await waitFor(() => expect(second()).toHaveAccessibleDescription("Number 2 must be right."));
  expect(screen.getByRole("alert")).toBeEmptyDOMElement();
});

test("what no field of the form is called is said above all of it", async () => {
  await send({ issues: [issue("second"), issue("elsewhere")] });
  expect(await screen.findByText(/`elsewhere` must be right/)).toBeVisible();
  expect(second()).toHaveFocus();
});

test("a field that is not shown can say nothing", async () => {
  await send({ issues: [issue("missing")] });
  expect(await screen.findByText(/`missing` must be right/)).toBeVisible();
});

test("what hides a wrong field opens", async () => {
  await send({ issues: [issue("hidden")] });
  await waitFor(() => expect(screen.getByRole("group")).toHaveAttribute("open"));
  expect(screen.getByText("Must be right.")).toBeVisible();
});

test("a refusal in known words stands at the first of its fields that is shown", async () => {
  await send({ error: "The thing is gone" });
  await waitFor(() => expect(second()).toHaveAccessibleDescription("The thing is gone."));
  expect(screen.getByRole("alert")).toBeEmptyDOMElement();
});

test("names in a refusal do not hide its field", async () => {
  await send({ error: "Nobody is called `mara` here", status: 409 });
  await waitFor(() => expect(first()).toHaveAccessibleDescription("Nobody is called mara here."));
});

test.each([
  ["other words", "The thing is gone for good", 400],
  ["a failure of the server", "The thing is gone", 500],
])("%s are no field's fault", async (_, error, status) => {
  await send({ error, status });
  await waitFor(() => expect(screen.getByRole("alert")).toHaveTextContent(`${error}.`));
  expect(second()).not.toHaveAccessibleDescription();
});
