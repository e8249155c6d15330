// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.Storage;

/** The arguments of one launch, in the order in which the kernel names them. */
final class Call {
    private final Device device;
    private final int[] ints = new int[Control.INTS];
    private final int[] arrays = new int[Resident.OPERANDS];
    private int operands;
    private float[] scalars;
    private int count = Control.FIRST;

    Call(Device device) {
        this.device = device;
    }

    /** Operands of floats; null for one that is left out. */
    Call with(Storage... storages) {
        for (Storage s : storages) {
            in(s);
            ints[count++] = s == null ? Control.NONE : DeviceStorage.of(s).offset();
        }
        return this;
    }

    /** An operand of floats that begins {@code from} elements after its storage. */
    Call from(Storage storage, int from) {
        in(storage);
        ints[count++] = DeviceStorage.of(storage).offset() + from;
        return this;
    }

    /** An operand of floats of which the kernel knows the places: in this array. */
    Call in(int array) {
        arrays[operands++] = array;
        return this;
    }

    private void in(Storage storage) {
        in(storage == null ? 0 : DeviceStorage.of(storage).array());
    }

    /** Operands of ints; null for one that is left out. */
    Call ints(Storage... storages) {
        for (Storage s : storages) {
            ints[count++] = s == null ? Control.NONE : DeviceStorage.of(s).offset();
        }
        return this;
    }

    /** An operand of ints that begins {@code from} elements after its storage. */
    Call ints(Storage storage, int from) {
        ints[count++] = DeviceStorage.of(storage).offset() + from;
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
        rows(kernel, Control.groups(n));
    }

    /** One workgroup for each of {@code n} rows. */
    void rows(DeviceKernel kernel, int n) {
        grid(kernel, n, 1, 1);
    }

    /** Launches nothing where there is nothing to do. */
    void grid(DeviceKernel kernel, int groupsX, int groupsY, int groupsZ) {
        if (operands != kernel.code.operands()) {
            throw new IllegalStateException("tornado: " + operands + " operands for kernel " + kernel + ", which has "
                    + kernel.code.operands());
        }
        if (groupsX > 0 && groupsY > 0 && groupsZ > 0) {
            device.launch(kernel, this, groupsX, groupsY, groupsZ);
        }
    }

    /** Puts the arguments into {@code work}. */
    void fill(Work work) {
        System.arraycopy(ints, 0, work.arguments, 0, count);
        work.count = count;
        for (int i = 0; i < operands; i++) {
            work.operand(arrays[i]);
        }
        if (scalars != null) {
            work.hasScalars = true;
            System.arraycopy(scalars, 0, work.scalars, 0, scalars.length);
        }
    }
}
