#include "service/network_file_system.h"

#include <stddef.h>
#include <sys/vfs.h>

/* linux/magic.h, and the file systems' own sources where it does not have them. */
static const struct {
    unsigned long type;
    const char *name;
} network_file_systems[] = {
    {0x6969UL, "NFS"},        {0x517BUL, "SMB"},        {0xFF534D42UL, "CIFS"},
    {0xFE534D42UL, "SMB2"},   {0x0BD00BD0UL, "Lustre"}, {0x47504653UL, "GPFS"},
    {0x00C36400UL, "CephFS"}, {0x65735546UL, "FUSE"},   {0x01021997UL, "9P"},
    {0x5346414FUL, "AFS"},    {0x6B414653UL, "AFS"},    {0x73757245UL, "Coda"},
    {0x564CUL, "NCP"},        {0x01161970UL, "GFS2"},   {0x7461636FUL, "OCFS2"},
    {0x19830326UL, "BeeGFS"}, {0xAAD7AAEAUL, "PanFS"},  {0x20030528UL, "OrangeFS"},
};

const char *aft_network_file_system_name(long type)
{
    /* Some architectures' f_type is a signed int, and sign-extended. */
    unsigned long word = (unsigned long)type & 0xFFFFFFFFUL;
    for (size_t i = 0; i < sizeof network_file_systems / sizeof *network_file_systems; i++) {
        if (network_file_systems[i].type == word) {
            return network_file_systems[i].name;
        }
    }
    return NULL;
}

enum aft_code aft_refuse_network_file_system(const char *folder, struct aft_error *error)
{
    struct statfs status;
    if (statfs(folder, &status) != 0) {
        return aft_fail_errno(error, "look at '%s'", folder);
    }
    const char *name = aft_network_file_system_name((long)status.f_type);
    return name == NULL ? AFT_OK
                        : aft_fail(error, AFT_ERR_REFUSED,
                                   "keep the index in '%.150s': it is on %s, which other machines "
                                   "may share; name a place on a local disk",
                                   folder, name);
}
