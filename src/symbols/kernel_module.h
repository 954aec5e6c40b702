/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel's modules: what one is called, by the path that a recording has for it, and the
 * build-id of the one that is loaded.
 */
#ifndef COLO_PERF_SYMBOLS_KERNEL_MODULE_H
#define COLO_PERF_SYMBOLS_KERNEL_MODULE_H

#include "symbols/build_id.h"

/*
 * "/lib/modules/6.1.0/kernel/net/virtio-net.ko.xz" and "[virtio_net]": "virtio_net". The caller
 * frees it.
 */
char *kernel_module_name(const char *path);

/* None when it is not loaded, or has none. */
struct build_id kernel_module_build_id(const char *name);

/* That of the kernel that runs. */
struct build_id kernel_build_id(void);

#endif
