// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What became faster or slower since an earlier measurement: only where the two intervals share no time.
 *
 * @param before the earlier measurement, in a line
 * @param elsewhere true if it ran on another processor
 * @param compared times that both have
 * @param changes the largest first
 */
record Against(String before, boolean elsewhere, int compared, List<Change> changes) {
    /**
     * A time that changed.
     *
     * @param ratio now to before; below 1 is faster
     * @param low the least ratio that both intervals allow
     * @param high the largest
     */
    record Change(String kernel, int side, String engine, double ratio, double low, double high) {
        boolean isFaster() {
            return ratio < 1;
        }

        private double size() {
            return Math.abs(Math.log(ratio));
        }
    }

    /** What a time is of. */
    record Key(String kernel, int side, String engine) {
    }

    /** An earlier measurement, read from its file. */
    record Earlier(String line, String processor, Map<Key, Estimate> times) {
        /** @throws io.eslm.tensor.UserError if {@code file} is not a measurement of this benchmark */
        static Earlier read(Path file) {
            Json all = OffloadJson.read(file);
            Json provenance = all.child("provenance");
            Map<Key, Estimate> times = new HashMap<>();
            for (Json cell : all.children("cells")) {
                times.put(new Key(cell.required("kernel", String.class), cell.required("side", Integer.class),
                        cell.required("engine", String.class)), OffloadJson.estimate(cell.child("seconds")));
            }
            String processor = provenance.child("machine").required("processor", String.class);
            return new Earlier(file.getFileName() + " (" + provenance.required("program", String.class) + ", commit "
                    + provenance.required("commit", String.class) + "; " + processor + "; "
                    + provenance.required("date", String.class) + ")", processor, times);
        }
    }

    static Against of(Measurement now, Earlier before) {
        List<Change> changes = new ArrayList<>();
        int compared = 0;
        for (Cell cell : now.cells()) {
            Estimate then = before.times.get(new Key(cell.kernel(), cell.side(), cell.engine()));
            if (then == null) {
                continue;
            }
            compared++;
            Estimate time = cell.seconds();
            if (time.isBelow(then) || then.isBelow(time)) {
                changes.add(new Change(cell.kernel(), cell.side(), cell.engine(), time.mean() / then.mean(),
                        time.low() / then.high(), time.high() / then.low()));
            }
        }
        changes.sort(Comparator.comparingDouble(c -> -c.size()));
        return new Against(before.line, !before.processor.equals(now.processor()), compared, changes);
    }
}
