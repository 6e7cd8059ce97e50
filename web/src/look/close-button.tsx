import { words } from "../words.ts";
import { Icon } from "./icons.tsx";

/** Takes what it is on off the page. */
export function CloseButton({ onClick }: { readonly onClick: () => void }) {
  return (
    <button type="button" class="button quiet only-icon" onClick={onClick}>
      <Icon name="close" />
      <span class="visually-hidden">{words.shared.close}</span>
    </button>
  );
}
