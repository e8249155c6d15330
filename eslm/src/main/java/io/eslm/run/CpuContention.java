// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Measures the share of the CPU that other programs use while this one is timed. */
public final class CpuContention {
    private final OperatingSystemMXBean system =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final long begin = System.nanoTime();
    private final long own = system.getProcessCpuTime();

    /** Starts to measure. */
    public CpuContention() {
        system.getCpuLoad(); // the next value is for the time since this call
    }

    /** The share since the start, from 0 to 1; NaN if the system does not tell. Call it once. */
    public double share() {
        double all = system.getCpuLoad();
        double here = (double) (system.getProcessCpuTime() - own) / (System.nanoTime() - begin)
                / system.getAvailableProcessors();
        return all <= 0 || own < 0 ? Double.NaN : Math.clamp(all - here, 0, 1); // 0 is impossible: this program ran
    }
}
