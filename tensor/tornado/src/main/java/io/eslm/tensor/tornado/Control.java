// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * How a call reaches a kernel. {@code c} holds the call's ticket at {@code args} and from {@link #FIRST} on its arguments, in the
 * order in which the kernel names them; a storage is the place of its first element, or {@link #NONE}. {@code s} holds what else the
 * kernel names, after a semicolon, from {@code nums} on. {@code base} holds {@code args} and {@code nums}, which never change for a
 * task: done alone, it has arrays of its own for {@code c} and {@code s}; in a program, both are in the {@link Book}.
 *
 * <p>Each kernel that really ran, with the arguments meant for it, adds its ticket to a sum on the device, which the host compares
 * with its own at every read: when the driver reports an error, TornadoVM prints it and continues.
 */
final class Control {
    /** The most arguments, with the ticket, and the most floats after the semicolon. */
    static final int INTS = 64;
    static final int FLOATS = 16;
    static final int FIRST = 1;
    /** Threads of a workgroup, in every kernel. */
    static final int THREADS = 256;
    /** The place of a storage that was left out. */
    static final int NONE = -1;
    /** Where the device's ints keep the sum of tickets. */
    static final int TICKETS = 0;
    /** The sum is kept modulo a power of two that a float can hold. */
    static final int TICKET_MASK = (1 << 20) - 1;

    private Control() {
    }

    /** Workgroups for {@code n} threads. */
    static int groups(int n) {
        return (int) (((long) n + THREADS - 1) / THREADS);
    }

    /**
     * Every kernel calls it: thread 0 counts the call, if the workgroup has the size that was asked for. TornadoVM lets
     * the driver choose another size where it thinks that this one does not fit.
     */
    static void count(KernelContext k, IntArray ints, int args, IntArray c) {
        if (k.globalIdx + k.globalIdy + k.globalIdz == 0 && k.localGroupSizeX * k.localGroupSizeY == THREADS) {
            ints.set(TICKETS, (ints.get(TICKETS) + c.get(args)) & TICKET_MASK);
        }
    }
}
