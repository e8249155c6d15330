// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * Row indices on a device that tell how much a kernel has to do: copies of them, which the host reads when somebody asks for the
 * count. So the host waits once for many calls and not at each.
 */
final class RowLog {
    /** Rows; when there are more, they are read at once. */
    private static final int ROOM = 1 << 20;

    /** The rows of one call, {@code n} from {@code at} on, and the multiply-adds that they mean. */
    private record Call(Phase phase, int at, int n, ToLongFunction<HeapStorage> multiplyAdds) {
    }

    private final Backend device;
    private final FlopCounter flops;
    private final List<Call> calls = new ArrayList<>();
    private Storage rows;
    private int used;

    /** @param flops where the multiply-adds are counted */
    RowLog(Backend device, FlopCounter flops) {
        this.device = device;
        this.flops = flops;
    }

    /** Notes a call that works on {@code of} (n), I32: {@code multiplyAdds} counts from a copy. */
    void add(Storage of, int n, ToLongFunction<HeapStorage> multiplyAdds) {
        if (n > ROOM - used) {
            count();
        }
        if (rows == null || used + n > rows.size()) {
            grow(used + n);
        }
        device.kernels().copy2d(rows, used, n, of, 0, n, 1, n);
        calls.add(new Call(flops.phase(), used, n, multiplyAdds));
        used += n;
        flops.countLater(this::count);
    }

    private void grow(int least) {
        Storage larger = device.allocate(DType.I32, Math.max(least, Math.min(ROOM, 2 * least)));
        if (used > 0) {
            device.kernels().copy(larger, rows, used);
        }
        rows = larger;
    }

    private void count() {
        if (used > 0) {
            HeapStorage all = HostCopies.read(device, rows, used);
            for (Call call : calls) {
                HeapStorage some = HeapStorage.allocate(DType.I32, call.n);
                for (int i = 0; i < call.n; i++) {
                    some.set(i, all.get(call.at + i));
                }
                flops.add(call.phase, call.multiplyAdds.applyAsLong(some));
            }
        }
        calls.clear();
        used = 0;
    }
}
