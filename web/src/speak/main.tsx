import { render } from "preact";

import { words } from "../words.ts";

const page = document.getElementById("page");
if (page !== null) render(<h1>{words.speak.title}</h1>, page);
