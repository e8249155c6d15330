// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.util.Collection;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoTaskGraphInterface;
import uk.ac.manchester.tornado.api.runtime.ExecutorFrame;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A task graph over the device's arrays, which starts after everything that was started before. TornadoVM compiles it then. */
final class DeviceGraph {
    private final TornadoTaskGraphInterface graph;
    private final ExecutorFrame frame;

    /**
     * @param tasks from {@link Resident#graph}
     * @param used the same as there: they stay on the device
     */
    DeviceGraph(Resident resident, TaskGraph tasks, Collection<FloatArray> used) {
        ImmutableTaskGraph whole = tasks.persistOnDevice(resident.ints).persistOnDevice(used.toArray()).snapshot();
        // A plan of both tells the graph what it shares with the first; its own runs go through the frame of the device's plan.
        new TornadoExecutionPlan(resident.first(), whole).withDevice(resident.hardware());
        graph = Internals.implementation(whole);
        graph.withGridScheduler(resident.grids);
        graph.setLastExecutedTaskGraph(Internals.implementation(resident.first()));
        frame = Internals.frame(resident.plan());
    }

    void start() {
        graph.execute(frame);
    }

    /** Waits until it has run. */
    void await() {
        graph.waitOn();
    }
}
