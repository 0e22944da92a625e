import { startCopy } from "./copy";
import { startKeys } from "./keys";
import { startLive } from "./live";
import { startMenus } from "./menu";
import { startThemeSwitch } from "./theme-switch";
import { startTicks } from "./ticks";

startThemeSwitch();
startMenus();
startKeys();
startCopy();
startTicks();
startLive();
