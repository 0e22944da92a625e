// Loaded blocking, before anything is painted: the chosen theme must not flash.
import { chosen, show } from "./themes";

document.documentElement.dataset.scripted = "";
show(chosen());
