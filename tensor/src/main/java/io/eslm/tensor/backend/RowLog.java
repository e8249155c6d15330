// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * Ints on a device that tell how much a kernel has to do, indices of rows and the like: copies of them, which the host reads when
 * somebody asks for the count. So the host waits once for many calls and not at each.
 */
final class RowLog {
    /** Ints; when there are more, they are read at once. */
    private static final int ROOM = 1 << 20;

    /** The lists of one call, one after the other from {@code at} on, and the multiply-adds that they mean. */
    private record Call(Phase phase, int at, int[] sizes, ToLongFunction<HeapStorage[]> multiplyAdds) {
    }

    private final Backend device;
    private final FlopCounter flops;
    private final List<Call> calls = new ArrayList<>();
    private Storage ints;
    private int used;

    /** @param flops where the multiply-adds are counted */
    RowLog(Backend device, FlopCounter flops) {
        this.device = device;
        this.flops = flops;
    }

    /**
     * Notes a call that works on {@code lists}, I32: {@code multiplyAdds} counts from copies.
     *
     * @param sizes of the lists; 0 for one that is null
     */
    void add(Storage[] lists, int[] sizes, ToLongFunction<HeapStorage[]> multiplyAdds) {
        int n = Arrays.stream(sizes).sum();
        if (n > ROOM - used) {
            count();
        }
        if (ints == null || used + n > ints.size()) {
            grow(used + n);
        }
        calls.add(new Call(flops.phase(), used, sizes, multiplyAdds));
        for (int i = 0; i < lists.length; i++) {
            if (lists[i] != null) {
                device.kernels().copy2d(ints, used, sizes[i], lists[i], 0, sizes[i], 1, sizes[i]);
                used += sizes[i];
            }
        }
        flops.countLater(this::count);
    }

    private void grow(int least) {
        Storage larger = device.allocate(DType.I32, Math.max(least, Math.min(ROOM, 2 * least)));
        if (used > 0) {
            device.kernels().copy(larger, ints, used);
        }
        ints = larger;
    }

    private void count() {
        if (used > 0) {
            HeapStorage all = HostCopies.read(device, ints, used);
            for (Call call : calls) {
                HeapStorage[] lists = new HeapStorage[call.sizes.length];
                int at = call.at;
                for (int i = 0; i < lists.length; i++) {
                    lists[i] = call.sizes[i] == 0 ? null : copy(all, at, call.sizes[i]);
                    at += call.sizes[i];
                }
                flops.add(call.phase, call.multiplyAdds.applyAsLong(lists));
            }
        }
        calls.clear();
        used = 0;
    }

    private static HeapStorage copy(HeapStorage all, int at, int n) {
        HeapStorage some = HeapStorage.allocate(DType.I32, n);
        for (int i = 0; i < n; i++) {
            some.set(i, all.get(at + i));
        }
        return some;
    }
}
