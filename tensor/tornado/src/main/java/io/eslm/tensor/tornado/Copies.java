// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Copies between the device's arrays and the buffers that travel. Arguments: place, n. What goes to the host begins
 * with the sum of tickets, this copy's included.
 */
final class Copies {
    private Copies() {
    }

    static void writeFloats(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray buffer) {
        Control.count(k, ints, c);
        int i = k.globalIdx;
        if (i < c.get(2)) {
            f.set(c.get(1) + i, buffer.get(i));
        }
    }

    static void writeInts(KernelContext k, FloatArray f, IntArray ints, IntArray c, IntArray buffer) {
        Control.count(k, ints, c);
        int i = k.globalIdx;
        if (i < c.get(2)) {
            ints.set(c.get(1) + i, buffer.get(i));
        }
    }

    static void readFloats(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray buffer) {
        Control.count(k, ints, c);
        int i = k.globalIdx;
        if (i < c.get(2)) {
            buffer.set(i + 1, f.get(c.get(1) + i));
        }
        if (i == 0) {
            buffer.set(0, ints.get(Control.TICKETS));
        }
    }

    static void readInts(KernelContext k, FloatArray f, IntArray ints, IntArray c, IntArray buffer) {
        Control.count(k, ints, c);
        int i = k.globalIdx;
        if (i < c.get(2)) {
            buffer.set(i + 1, ints.get(c.get(1) + i));
        }
        if (i == 0) {
            buffer.set(0, ints.get(Control.TICKETS));
        }
    }
}
