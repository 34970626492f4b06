/* Text that another program or a file has brought, made fit to be shown. */
#ifndef AFT_BASE_PRINTABLE_H
#define AFT_BASE_PRINTABLE_H

/* Every byte of a control character becomes '?': C0, DEL, and C1 as UTF-8 has it. So text
 * (NULL: nothing to do) cannot steer a terminal or begin another line. */
void aft_make_printable(char *text);

#endif
