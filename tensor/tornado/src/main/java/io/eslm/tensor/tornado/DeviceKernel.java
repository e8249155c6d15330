// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Every program that runs on the device: a static Java method, compiled once, since whatever changes from call to call
 * (places, sizes, flags) reaches it through the {@link Control} array. To add one, write the method and a line here.
 */
enum DeviceKernel {
    FILL(Control.THREADS, 1, Elementwise::fill),
    FILL_INTS(Control.THREADS, 1, Elementwise::fillInts),
    UNARY(Control.THREADS, 1, Elementwise::unary),
    BINARY(Control.THREADS, 1, Elementwise::binary),
    AXPBY(Control.THREADS, 1, Elementwise::axpby),
    GELU(Control.THREADS, 1, Elementwise::gelu),
    GELU_BACKWARD(Control.THREADS, 1, Elementwise::geluBackward),
    DROPOUT(Control.THREADS, 1, Elementwise::dropout),
    ADAM_W(Control.THREADS, 1, Optimizers::adamW),
    SQUARES(Control.THREADS, 1, Optimizers::squares),
    ADD_SQUARES(Control.THREADS, 1, Optimizers::addSquares),
    COPY2D(Control.THREADS, 1, Moves::copy2d),
    COPY2D_INTS(Control.THREADS, 1, Moves::copy2dInts),
    GATHER_ROWS(Control.THREADS, 1, Moves::gatherRows),
    GATHER_ROWS_INTS(Control.THREADS, 1, Moves::gatherRowsInts),
    LINK_ROWS(Control.THREADS, 1, Moves::linkRows),
    ADD_LINKED_ROWS(Control.THREADS, 1, Moves::addLinkedRows),
    PERMUTE(Control.THREADS, 1, Moves::permute),
    PERMUTE_INTS(Control.THREADS, 1, Moves::permuteInts),
    EMBEDDING(Control.THREADS, 1, Moves::embedding),
    ADD_POSITIONS(Control.THREADS, 1, Moves::addPositions),
    GEMM(Gemm.THREADS, Gemm.THREADS, Gemm::gemm),
    GEMM_FINISH(Control.THREADS, 1, Gemm::finish),
    REDUCE_ROWS(Control.THREADS, 1, RowKernels::reduceRows),
    REDUCE_COLUMNS(Control.THREADS, 1, RowKernels::reduceColumns),
    ARGMAX(Control.THREADS, 1, RowKernels::argmax),
    COLUMN_SUM_PARTS(Control.THREADS, 1, RowKernels::columnSumParts),
    COLUMN_SUM(Control.THREADS, 1, RowKernels::columnSum),
    SOFTMAX(Control.THREADS, 1, RowKernels::softmax),
    SOFTMAX_BACKWARD(Control.THREADS, 1, RowKernels::softmaxBackward),
    LAYER_NORM(Control.THREADS, 1, LayerNorms::layerNorm),
    LAYER_NORM_BACKWARD(Control.THREADS, 1, LayerNorms::backward),
    LAYER_NORM_PARTS(Control.THREADS, 1, LayerNorms::weightParts),
    LAYER_NORM_WEIGHTS(Control.THREADS, 1, LayerNorms::weights),
    ATTENTION_SOFTMAX(Control.THREADS, 1, Attention::softmax),
    ATTENTION_BACKWARD(Control.THREADS, 1, Attention::backward),
    ATTENTION_EXPAND(Control.THREADS, 1, Attention::expand),
    ATTENTION_STORE(Control.THREADS, 1, Attention::store),
    CROSS_ENTROPY(Control.THREADS, 1, Losses::crossEntropy),
    CROSS_ENTROPY_BACKWARD(Control.THREADS, 1, Losses::backward),
    CROSS_ENTROPY_BACKWARD_IN_PLACE(Control.THREADS, 1, Losses::backwardInPlace),
    DISTILLATION(Control.THREADS, 1, Distillations::forward),
    DISTILLATION_BACKWARD(Control.THREADS, 1, Distillations::backward),
    DISTILLATION_BACKWARD_IN_PLACE(Control.THREADS, 1, Distillations::backwardInPlace);

    /** A kernel over the device's floats and ints that takes its arguments from the control arrays. */
    interface Body extends Task5<KernelContext, FloatArray, IntArray, IntArray, FloatArray> {
    }

    final int localX;
    final int localY;
    final Body body;

    DeviceKernel(int localX, int localY, Body body) {
        this.localX = localX;
        this.localY = localY;
        this.body = body;
    }
}
