/* The worker's entry point, in the compute module. */
#ifndef AFT_RUNNER_WORK_H
#define AFT_RUNNER_WORK_H

/* Trains what its keeper's launch document says; returns the process's exit status, which
 * means nothing: the keeper believes only what was announced in the snapshot region. */
int aft_work(int argc, char **argv);

#endif
