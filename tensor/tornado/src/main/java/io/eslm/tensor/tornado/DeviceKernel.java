// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Every program that runs on the device: a static Java method, compiled once, since all that changes from call to call
 * (places, sizes, flags) reaches it through the {@link Control} array. Adding one is the method and a line here.
 */
enum DeviceKernel {
    FILL(256, 1, Elementwise::fill),
    FILL_INTS(256, 1, Elementwise::fillInts),
    UNARY(256, 1, Elementwise::unary),
    BINARY(256, 1, Elementwise::binary),
    AXPBY(256, 1, Elementwise::axpby),
    GELU(256, 1, Elementwise::gelu),
    GELU_BACKWARD(256, 1, Elementwise::geluBackward),
    DROPOUT(256, 1, Elementwise::dropout),
    ADAM_W(256, 1, Optimizers::adamW),
    SQUARES(256, 1, Optimizers::squares),
    ADD_SQUARES(256, 1, Optimizers::addSquares),
    COPY2D(256, 1, Moves::copy2d),
    COPY2D_INTS(256, 1, Moves::copy2dInts),
    GATHER_ROWS(256, 1, Moves::gatherRows),
    GATHER_ROWS_INTS(256, 1, Moves::gatherRowsInts),
    LINK_ROWS(256, 1, Moves::linkRows),
    ADD_LINKED_ROWS(256, 1, Moves::addLinkedRows),
    PERMUTE(256, 1, Moves::permute),
    PERMUTE_INTS(256, 1, Moves::permuteInts),
    EMBEDDING(256, 1, Moves::embedding),
    ADD_POSITIONS(256, 1, Moves::addPositions),
    GEMM(Gemm.THREADS, Gemm.THREADS, Gemm::gemm),
    REDUCE_ROWS(256, 1, Rows::reduceRows),
    REDUCE_COLUMNS(256, 1, Rows::reduceColumns),
    ARGMAX(256, 1, Rows::argmax),
    COLUMN_SUM_PARTS(256, 1, Rows::columnSumParts),
    COLUMN_SUM(256, 1, Rows::columnSum),
    SOFTMAX(256, 1, Rows::softmax),
    SOFTMAX_BACKWARD(256, 1, Rows::softmaxBackward),
    LAYER_NORM(256, 1, LayerNorms::layerNorm),
    LAYER_NORM_BACKWARD(256, 1, LayerNorms::backward),
    LAYER_NORM_PARTS(256, 1, LayerNorms::weightParts),
    ATTENTION_SOFTMAX(256, 1, Attention::softmax),
    ATTENTION_BACKWARD(256, 1, Attention::backward),
    ATTENTION_EXPAND(256, 1, Attention::expand),
    ATTENTION_STORE(256, 1, Attention::store),
    CROSS_ENTROPY(256, 1, Losses::crossEntropy),
    CROSS_ENTROPY_BACKWARD(256, 1, Losses::backward),
    CROSS_ENTROPY_BACKWARD_IN_PLACE(256, 1, Losses::backwardInPlace),
    DISTILLATION(256, 1, Distillations::forward),
    DISTILLATION_BACKWARD(256, 1, Distillations::backward),
    DISTILLATION_BACKWARD_IN_PLACE(256, 1, Distillations::backwardInPlace);

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
