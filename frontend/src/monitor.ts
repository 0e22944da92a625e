import { startCopy } from "./copy";
import { startDialogs } from "./dialogs";
import { startKeys } from "./keys";
import { startLive } from "./live";
import { startMenus } from "./menu";
import { startThemeSwitch } from "./theme-switch";
import { startTicks } from "./ticks";
import { startToasts } from "./toast";
import { startZoneSwitch } from "./zone-switch";

startThemeSwitch();
startZoneSwitch();
startMenus();
startDialogs();
startKeys();
startCopy();
startToasts();
startTicks();
startLive();
