// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.foreign.MemorySegment;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** A pair of buffers on both sides for each type, and the graphs that copy between them and the device's arrays. */
final class Stage {
    final int size;
    private final FloatArray floatsIn;
    private final IntArray intsIn;
    /** Element 0 is the sum of tickets. */
    private final FloatArray floatsOut;
    private final IntArray intsOut;
    private final int writeFloats;
    private final int writeInts;
    private final int readFloats;
    private final int readInts;

    Stage(Device device, Resident all, IntArray control, int size) {
        this.size = size;
        floatsIn = new FloatArray(size);
        intsIn = new IntArray(size);
        floatsOut = new FloatArray(size + 1);
        intsOut = new IntArray(size + 1);
        int local = Control.THREADS;
        writeFloats = device.add(local, 1,
                device.graph().transferToDevice(DataTransferMode.EVERY_EXECUTION, control, floatsIn)
                        .task("t", Copies::writeFloats, all.context, all.floats, all.ints, control, floatsIn)
                        .persistOnDevice(all.floats, all.ints));
        writeInts = device.add(local, 1,
                device.graph().transferToDevice(DataTransferMode.EVERY_EXECUTION, control, intsIn)
                        .task("t", Copies::writeInts, all.context, all.floats, all.ints, control, intsIn)
                        .persistOnDevice(all.floats, all.ints));
        readFloats = device.add(local, 1, device.graph().transferToDevice(DataTransferMode.EVERY_EXECUTION, control)
                .task("t", Copies::readFloats, all.context, all.floats, all.ints, control, floatsOut)
                .persistOnDevice(all.floats, all.ints).transferToHost(DataTransferMode.EVERY_EXECUTION, floatsOut));
        readInts = device.add(local, 1, device.graph().transferToDevice(DataTransferMode.EVERY_EXECUTION, control)
                .task("t", Copies::readInts, all.context, all.floats, all.ints, control, intsOut)
                .persistOnDevice(all.floats, all.ints).transferToHost(DataTransferMode.EVERY_EXECUTION, intsOut));
    }

    /** The graph that writes. */
    int writer(boolean isFloats) {
        return isFloats ? writeFloats : writeInts;
    }

    /** The graph that reads. */
    int reader(boolean isFloats) {
        return isFloats ? readFloats : readInts;
    }

    /** What the writer brings to the device. */
    MemorySegment in(boolean isFloats) {
        return isFloats ? floatsIn.getSegment() : intsIn.getSegment();
    }

    /** What the reader has brought from the device, the sum of tickets before it. */
    MemorySegment out(boolean isFloats) {
        return isFloats ? floatsOut.getSegment() : intsOut.getSegment();
    }

    /** The sum of tickets that the reader has brought. */
    int tickets(boolean isFloats) {
        return isFloats ? (int) floatsOut.get(0) : intsOut.get(0);
    }
}
