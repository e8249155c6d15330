// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;

/** The kernels of a device with memory of its own: those that it does not override run on the host, over copies. */
public abstract class DeviceKernels extends Kernels {
    private final Backend device;
    private final SortedMap<String, Long> fallbacks = new TreeMap<>();
    private final RowLog rowLog;

    /** @param device whose storages these kernels work on */
    protected DeviceKernels(Backend device) {
        this.device = device;
        rowLog = new RowLog(device, flops());
    }

    /** Counts the work of a call that {@code lists} tell, when somebody asks: see {@link RowLog#add}. */
    final void countLater(Storage[] lists, int[] sizes, ToLongFunction<HeapStorage[]> multiplyAdds) {
        rowLog.add(lists, sizes, multiplyAdds);
    }

    /** Calls of kernels that this device has no code for, by name: they ran as plain loops over copies on the host. */
    public final SortedMap<String, Long> fallbacks() {
        return Collections.unmodifiableSortedMap(fallbacks);
    }

    @Override
    final void plain(String kernel, Consumer<Elements> definition) {
        HostCopies.run(device, definition);
        fallbacks.merge(kernel, 1L, Long::sum);
    }

    @Override
    final HeapStorage onHost(Storage storage, int n) {
        return HostCopies.read(device, storage, n);
    }
}
