import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useForm } from "react-hook-form";
import { expect, test } from "vitest";

import { ApiError } from "@/api/error";
import { TextField } from "@/components/field";

import { useSubmit } from "./use-submit";

const issue = (field: string) => ({ path: [field], message: `${field} is wrong` });

function Form({ issues }: { issues: ReturnType<typeof issue>[] }) {
  const form = useForm({ defaultValues: { first: "", second: "", third: "" } });
  const { errors } = form.formState;
  const { submit, problem } = useSubmit(
    form,
    () => Promise.reject(ApiError.of({ status: 400, body: { error: "Validation failed", details: { issues } } })),
    { thirdOfServer: "third" },
  );
  return (
    <form onSubmit={(event) => void submit(event)}>
      <TextField label="First" error={errors.first?.message} {...form.register("first")} />
      <TextField label="Second" error={errors.second?.message} {...form.register("second")} />
      <TextField label="Third" error={errors.third?.message} {...form.register("third")} />
      <button>Send</button>
      <p role="alert">{problem}</p>
    </form>
  );
}

test("each message stands at its field, and the first wrong field gets the focus", async () => {
  render(<Form issues={[issue("thirdOfServer"), issue("second")]} />);
  await userEvent.click(screen.getByRole("button"));
  const second = screen.getByRole("textbox", { name: "Second" });
  await waitFor(() => expect(second).toHaveFocus());
  expect(second).toHaveAccessibleDescription("second is wrong");
  expect(screen.getByRole("textbox", { name: "Third" })).toHaveAccessibleDescription("thirdOfServer is wrong");
  expect(screen.getByRole("alert")).toBeEmptyDOMElement();
});

test("what no field of the form is called is said above all of it", async () => {
  render(<Form issues={[issue("second"), issue("elsewhere")]} />);
  await userEvent.click(screen.getByRole("button"));
  expect(await screen.findByText(/elsewhere is wrong/)).toBeVisible();
  expect(screen.getByRole("textbox", { name: "Second" })).toHaveFocus();
});
