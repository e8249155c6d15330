// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoTaskGraphInterface;
import uk.ac.manchester.tornado.api.runtime.ExecutorFrame;

/**
 * What TornadoVM's public API does not offer: to start a task graph without waiting for it, and to run a graph that was made
 * after the plan. {@code tensor/tornado/jvm-flags} opens the package.
 */
final class Internals {
    private static final MethodHandle GRAPH;
    private static final MethodHandle IMPLEMENTATION;
    private static final Field FRAME;

    static {
        try {
            MethodHandles.Lookup here = MethodHandles.lookup();
            GRAPH = MethodHandles.privateLookupIn(ImmutableTaskGraph.class, here).findVirtual(ImmutableTaskGraph.class,
                    "getTaskGraph", MethodType.methodType(TaskGraph.class));
            IMPLEMENTATION = MethodHandles.privateLookupIn(TaskGraph.class, here).findVirtual(TaskGraph.class,
                    "getTaskGraphImpl", MethodType.methodType(TornadoTaskGraphInterface.class));
            FRAME = TornadoExecutionPlan.class.getDeclaredField("executionFrame");
            FRAME.setAccessible(true);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private Internals() {
    }

    static TornadoTaskGraphInterface implementation(ImmutableTaskGraph graph) {
        try {
            return (TornadoTaskGraphInterface) IMPLEMENTATION.invokeExact((TaskGraph) GRAPH.invokeExact(graph));
        } catch (Throwable e) { // both are getters
            throw new AssertionError(e);
        }
    }

    /** What {@code plan} passes to each of its graphs. */
    static ExecutorFrame frame(TornadoExecutionPlan plan) {
        try {
            return (ExecutorFrame) FRAME.get(plan);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }
}
