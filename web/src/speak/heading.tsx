import { useEffect, useRef } from "preact/hooks";

/** The page's heading. It takes the focus of what it replaces, so that a screen reader goes on here. */
export function Heading({ children }: { readonly children: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // What was focused before is gone, unless the page has just been loaded.
    if (document.activeElement === document.body && isInUse) {
      heading.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isInUse = true;
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

let isInUse = false;
