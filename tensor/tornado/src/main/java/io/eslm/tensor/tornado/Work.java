// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.foreign.MemorySegment;

/** One thing that a {@link Device} is to do: a kernel, a small copy to it, or a product of cuBLAS. Reused from step to step. */
final class Work {
    /** Kind of a product. */
    static final int PRODUCT = -1;

    /** Number of the task graph that does it alone, or {@link #PRODUCT}. */
    int graph;
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
    boolean bringsFloats;
    ColumnMajor product;

    /** What a task for it must be: equal for work that can take the same place in a program. */
    int kind() {
        return graph << 1 | (hasScalars ? 1 : 0);
    }
}
