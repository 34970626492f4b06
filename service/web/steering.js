// What can be asked of a run from its page.

import { api } from "./api.js";
import { confirmDialog } from "./dialog.js";
import { announce } from "./dom.js";
import { openStartDialog } from "./start_dialog.js";

export async function stopRun(run) {
  const yes = await confirmDialog({
    title: `Stop ${run.name}?`,
    text: "It writes an INTERRUPTED archive and ends. It can be resumed from exactly there.",
    submit: "Stop it",
    submitClass: "danger",
  });
  if (!yes) return;
  announce(`Stopping ${run.name} …`);
  try {
    const { archive } = await api.stop(run.id);
    announce(archive ? `${run.name} has stopped: ${archive.name} is safe` : `${run.name} had come to its end`, "good");
  } catch (error) {
    announce(`Stop ${run.name}: ${error.message}`, "bad");
  }
}

export async function writeCheckpoint(run) {
  announce(`Writing a checkpoint of ${run.name} …`);
  try {
    const { archive } = await api.checkpoint(run.id);
    announce(archive ? `Checkpoint ${archive.name} is safe` : "The checkpoint is safe", "good");
  } catch (error) {
    announce(`Checkpoint of ${run.name}: ${error.message}`, "bad");
  }
}

/** Opens the start dialog, filled in for this run; archive: to go on from exactly that one. */
export function resumeRun(run, archive = null) {
  openStartDialog({ run, archive });
}
