// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.util.ArrayList;
import java.util.List;

/**
 * A sequence of work as few task graphs of many tasks, which the host starts one after the other without waiting. What changes from
 * step to step (places, sizes, the number of kept rows) is on a page that precedes each, so it needs no other program. The kernels
 * and their order are those of the same work done one by one, and so are the bits.
 */
final class Program {
    private final long[] kinds;
    private final List<ProgramPart> parts = new ArrayList<>();

    Program(Device device, List<Work> work) {
        kinds = work.stream().mapToLong(Work::kind).toArray();
        for (int from = 0; from < kinds.length;) {
            int size = ProgramPart.size(work, from);
            parts.add(device.part(work.subList(from, from + size)));
            from += size;
        }
    }

    /** True if the first {@code size} of {@code work} are this sequence. */
    boolean matches(List<Work> work, int size) {
        if (size != kinds.length) {
            return false;
        }
        for (int i = 0; i < size; i++) {
            if (work.get(i).kind() != kinds[i]) {
                return false;
            }
        }
        return true;
    }

    /** Starts {@code work}, which must match. */
    void start(List<Work> work) {
        int from = 0;
        for (ProgramPart part : parts) {
            part.start(work, from);
            from += part.size();
        }
    }

    /** Waits until everything that was started has run. */
    void await() {
        parts.getLast().await();
    }
}
