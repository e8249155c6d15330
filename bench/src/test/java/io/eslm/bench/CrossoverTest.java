// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.bench.OffloadBench.Crossover;
import io.eslm.bench.OffloadBench.Row;
import java.util.List;
import org.junit.jupiter.api.Test;

class CrossoverTest {
    private static Row row(int side, double vector, double device, double copied) {
        return new Row("gelu", side, null, vector, device, copied, 0);
    }

    @Test
    void isTheLeastSizeBehindWhichTheDeviceStaysAhead() {
        List<Row> rows = List.of(row(32, 3, 2, 4), row(64, 3, 4, 5), row(128, 6, 5, 6), row(256, 9, 6, 9));
        assertEquals(new Crossover("gelu", 128, null), Crossover.of(rows));
    }

    @Test
    void oneLuckySizeInTheMiddleIsNone() {
        assertEquals(new Crossover("gelu", null, 32), Crossover.of(List.of(row(32, 3, 2, 2), row(64, 3, 3, 1))));
    }
}
