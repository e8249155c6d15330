// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.util.ArrayList;
import java.util.List;

/**
 * A sequence of work as few task graphs of many tasks, which the host starts one after the other without waiting. Each task has
 * its own control array, filled before the graph starts, so whatever changes from step to step (places, sizes, the number of kept
 * rows) needs no other program. The kernels and their order are those of the same work done one by one, and so are the bits.
 */
final class Program {
    /** Tasks of one graph. TornadoVM has room for 8,192 bytes of task descriptions, and ours take 40 and more. */
    private static final int MOST_TASKS = 100;

    private final int[] kinds;
    private final List<ProgramPart> parts = new ArrayList<>();

    Program(Device device, List<Work> work) {
        kinds = work.stream().mapToInt(Work::kind).toArray();
        for (int from = 0; from < kinds.length; from += MOST_TASKS) {
            parts.add(device.part(work.subList(from, Math.min(kinds.length, from + MOST_TASKS))));
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
