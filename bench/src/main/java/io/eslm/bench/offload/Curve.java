// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * The time of a kernel on an engine over its sizes: straight between the measured ones where both axes are logarithmic.
 *
 * @param name the engine, and whether its copies count
 * @param seconds by side
 */
record Curve(String name, NavigableMap<Integer, Estimate> seconds) {
    Curve(String name) {
        this(name, new TreeMap<>());
    }

    /** Seconds at {@code side}; outside the measured sizes those of the nearest one. */
    double at(double side) {
        Integer below = seconds.floorKey((int) Math.floor(side));
        Integer above = seconds.ceilingKey((int) Math.ceil(side));
        if (below == null || above == null || below.equals(above)) {
            return seconds.get(below == null ? above : below).mean();
        }
        double part = (Math.log(side) - Math.log(below)) / (Math.log(above) - Math.log(below));
        return Math.exp((1 - part) * Math.log(seconds.get(below).mean()) + part * Math.log(seconds.get(above).mean()));
    }
}
