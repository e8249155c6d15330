// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.Storage;

/** The arguments of one launch, in the order in which the kernel names them. */
final class Call {
    private final Device device;
    private final int[] ints = new int[Control.INTS];
    private float[] scalars;
    private int count = Control.FIRST;

    Call(Device device) {
        this.device = device;
    }

    /** The places of storages; null for one that is left out. */
    Call with(Storage... storages) {
        for (Storage s : storages) {
            ints[count++] = s == null ? Control.NONE : DeviceStorage.of(s).offset();
        }
        return this;
    }

    Call with(int... values) {
        for (int v : values) {
            ints[count++] = v;
        }
        return this;
    }

    /** What a kernel reads from its array of scalars. */
    Call scalars(double... values) {
        scalars = new float[Control.FLOATS];
        for (int i = 0; i < values.length; i++) {
            scalars[i] = (float) values[i];
        }
        return this;
    }

    /** One thread for each of {@code n} elements. */
    void each(DeviceKernel kernel, int n) {
        rows(kernel, (int) (((long) n + Control.THREADS - 1) / Control.THREADS));
    }

    /** One workgroup for each of {@code n} rows. */
    void rows(DeviceKernel kernel, int n) {
        grid(kernel, n, 1, 1);
    }

    /** Launches nothing where there is nothing to do. */
    void grid(DeviceKernel kernel, int groupsX, int groupsY, int groupsZ) {
        if (groupsX > 0 && groupsY > 0 && groupsZ > 0) {
            device.launch(kernel, ints, count, scalars, groupsX, groupsY, groupsZ);
        }
    }
}
