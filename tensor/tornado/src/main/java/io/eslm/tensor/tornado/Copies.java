// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Copies between the device's arrays and what travels: a {@link Stage}'s buffers, or a page of a {@link Book}. */
final class Copies {
    private Copies() {
    }

    /** Arguments: y, n, the place of the new values in s. */
    static void writeFloats(KernelContext k, FloatArray fy, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 2)) {
            fy.set(c.get(args + 1) + i, s.get(c.get(args + 3) + i));
        }
    }

    /** Arguments: y, n, the place of the new values in c. */
    static void writeInts(KernelContext k, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 2)) {
            ints.set(c.get(args + 1) + i, c.get(c.get(args + 3) + i));
        }
    }

    /** Opens a page of {@code n} ints: everything that follows finds its arguments in the book. */
    static void open(KernelContext k, IntArray book, IntArray page, int n) {
        if (k.globalIdx < n) {
            book.set(k.globalIdx, page.get(k.globalIdx));
        }
    }

    /** Floats of the device at c_1, c_2 of them, to {@code out}, after the sum of tickets, this copy's included. */
    static void readFloats(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray out) {
        Control.count(k, ints, 0, c);
        int i = k.globalIdx;
        if (i < c.get(2)) {
            out.set(i + 1, f.get(c.get(1) + i));
        }
        if (i == 0) {
            out.set(0, ints.get(Control.TICKETS));
        }
    }

    /** {@link #readFloats} of ints. */
    static void readInts(KernelContext k, IntArray ints, IntArray c, IntArray out) {
        Control.count(k, ints, 0, c);
        int i = k.globalIdx;
        if (i < c.get(2)) {
            out.set(i + 1, ints.get(c.get(1) + i));
        }
        if (i == 0) {
            out.set(0, ints.get(Control.TICKETS));
        }
    }

    /** Brings {@code in} to floats of the device at c_1, c_2 of them. */
    static void bringFloats(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray in) {
        Control.count(k, ints, 0, c);
        int i = k.globalIdx;
        if (i < c.get(2)) {
            f.set(c.get(1) + i, in.get(i));
        }
    }

    /** {@link #bringFloats} of ints. */
    static void bringInts(KernelContext k, IntArray ints, IntArray c, IntArray in) {
        Control.count(k, ints, 0, c);
        int i = k.globalIdx;
        if (i < c.get(2)) {
            ints.set(c.get(1) + i, in.get(i));
        }
    }
}
