// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.foreign.MemorySegment;
import uk.ac.manchester.tornado.api.WorkerGrid;

/** One thing that a {@link Device} is to do: a kernel, a small copy to it, or a product of cuBLAS. Reused from step to step. */
final class Work {
    private static final DeviceKernel[] KERNELS = DeviceKernel.values();
    /** The code of a product of cuBLAS. */
    static final int PRODUCT = KERNELS.length;
    private static final int CODE_BITS = 8;
    /** Bits of the number of an array. */
    private static final int ARRAY_BITS = 6;
    /** Arrays of floats that a device can have. */
    static final int MOST_ARRAYS = 1 << ARRAY_BITS;

    /** Number of a kernel, or {@link #PRODUCT}. */
    private int code;
    /** The arrays of the operands, {@value #ARRAY_BITS} bits each, the first one lowest. */
    private long arrays;
    private int operands;
    /** Arguments for the control array; element 0 is the ticket's. */
    final int[] arguments = new int[Control.INTS];
    int count;
    final float[] scalars = new float[Control.FLOATS];
    boolean hasScalars;
    int groupsX;
    int groupsY;
    int groupsZ;
    /** What a copy brings to the device, 4 bytes an element; null in work that has never been a copy. */
    MemorySegment brought;
    ColumnMajor product;

    /** Begins anew, see {@link #code}. */
    void reset(int what) {
        code = what;
        arrays = 0;
        operands = 0;
        hasScalars = false;
    }

    /** The next operand is in this array. */
    void operand(int array) {
        arrays |= (long) array << ARRAY_BITS * operands++;
    }

    int operands() {
        return operands;
    }

    /** The array of operand {@code i}. */
    int array(int i) {
        return (int) (arrays >> ARRAY_BITS * i) & MOST_ARRAYS - 1;
    }

    /** Null if it is a product of cuBLAS. */
    DeviceKernel kernel() {
        return code == PRODUCT ? null : KERNELS[code];
    }

    /** True if it brings something to the device. */
    boolean isCopy() {
        return code == DeviceKernel.WRITE_FLOATS.ordinal() || code == DeviceKernel.WRITE_INTS.ordinal();
    }

    void setGrid(WorkerGrid grid) {
        grid.setGlobalWork(groupsX * grid.getLocalWork()[0], groupsY * grid.getLocalWork()[1], groupsZ);
    }

    /** What a task for it must be: equal for work that can take the same place in a program. */
    long kind() {
        return (arrays << CODE_BITS | code) << 1 | (hasScalars ? 1 : 0);
    }

    /** For messages. */
    @Override
    public String toString() {
        return isCopy() ? "a copy" : code == PRODUCT ? "a product" : "kernel " + kernel();
    }
}
