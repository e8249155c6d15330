// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** The share of the machine's processors that other programs took while something was timed here. */
final class CpuContention {
    private final OperatingSystemMXBean system =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final long begin = System.nanoTime();
    private final long own = system.getProcessCpuTime();

    /** Begins. */
    CpuContention() {
        system.getCpuLoad(); // its next value is over the time since this one
    }

    /** From 0 to 1, all programs' share without this one's, since the beginning; NaN where the system does not tell. Asked once. */
    double share() {
        double all = system.getCpuLoad();
        double here = (double) (system.getProcessCpuTime() - own) / (System.nanoTime() - begin)
                / system.getAvailableProcessors();
        return all <= 0 || own < 0 ? Double.NaN : Math.clamp(all - here, 0, 1); // 0 cannot be: this program ran
    }
}
