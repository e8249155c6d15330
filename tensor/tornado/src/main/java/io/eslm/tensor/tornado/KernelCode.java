// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task10;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task11;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task12;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task7;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task8;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task9;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The method of a {@link DeviceKernel}. It takes a {@link KernelContext}; an array for each operand of floats, {@code fx} being the
 * one that holds the operand {@code x}, and two operands may be in the same; the device's ints; and where its arguments are, see
 * {@link Control}.
 *
 * @param operands how many operands of floats it has
 */
record KernelCode(int operands, Adder adder) {
    /** Adds a task that runs the method. */
    interface Adder {
        void add(TaskGraph graph, String task, Arguments all);
    }

    /** What the method is called with. */
    record Arguments(KernelContext k, FloatArray[] f, IntArray ints, IntArray base, IntArray c, FloatArray s) {
    }

    static KernelCode of(Task5<KernelContext, IntArray, IntArray, IntArray, FloatArray> body) {
        return new KernelCode(0, (graph, task, a) -> graph.task(task, body, a.k, a.ints, a.base, a.c, a.s));
    }

    static KernelCode of(Task6<KernelContext, FloatArray, IntArray, IntArray, IntArray, FloatArray> body) {
        return new KernelCode(1, (graph, task, a) -> graph.task(task, body, a.k, a.f[0], a.ints, a.base, a.c, a.s));
    }

    static KernelCode of(Task7<KernelContext, FloatArray, FloatArray, IntArray, IntArray, IntArray, FloatArray> body) {
        return new KernelCode(2,
                (graph, task, a) -> graph.task(task, body, a.k, a.f[0], a.f[1], a.ints, a.base, a.c, a.s));
    }

    static KernelCode of(
            Task8<KernelContext, FloatArray, FloatArray, FloatArray, IntArray, IntArray, IntArray, FloatArray> body) {
        return new KernelCode(3,
                (graph, task, a) -> graph.task(task, body, a.k, a.f[0], a.f[1], a.f[2], a.ints, a.base, a.c, a.s));
    }

    static KernelCode of(Task9<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, IntArray, IntArray,
            IntArray, FloatArray> body) {
        return new KernelCode(4, (graph, task, a) -> graph.task(task, body, a.k, a.f[0], a.f[1], a.f[2], a.f[3], a.ints,
                a.base, a.c, a.s));
    }

    static KernelCode of(Task10<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, IntArray,
            IntArray, IntArray, FloatArray> body) {
        return new KernelCode(5, (graph, task, a) -> graph.task(task, body, a.k, a.f[0], a.f[1], a.f[2], a.f[3], a.f[4],
                a.ints, a.base, a.c, a.s));
    }

    static KernelCode of(Task11<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray,
            IntArray, IntArray, IntArray, FloatArray> body) {
        return new KernelCode(6, (graph, task, a) -> graph.task(task, body, a.k, a.f[0], a.f[1], a.f[2], a.f[3], a.f[4],
                a.f[5], a.ints, a.base, a.c, a.s));
    }

    static KernelCode of(Task12<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray,
            FloatArray, IntArray, IntArray, IntArray, FloatArray> body) {
        return new KernelCode(7, (graph, task, a) -> graph.task(task, body, a.k, a.f[0], a.f[1], a.f[2], a.f[3], a.f[4],
                a.f[5], a.f[6], a.ints, a.base, a.c, a.s));
    }
}
