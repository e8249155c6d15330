// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

/**
 * Every program that runs on the device: a static Java method, compiled once for each task, since whatever changes from call to call
 * (places, sizes, flags) reaches it as {@link Control} says. To add one, write the method and a line here.
 */
enum DeviceKernel {
    WRITE_FLOATS(KernelCode.of(Copies::writeFloats)),
    WRITE_INTS(KernelCode.of(Copies::writeInts)),
    FILL(KernelCode.of(Elementwise::fill)),
    FILL_INTS(KernelCode.of(Elementwise::fillInts)),
    UNARY(KernelCode.of(Elementwise::unary)),
    BINARY(KernelCode.of(Elementwise::binary)),
    AXPBY(KernelCode.of(Elementwise::axpby)),
    GELU(KernelCode.of(Elementwise::gelu)),
    GELU_BACKWARD(KernelCode.of(Elementwise::geluBackward)),
    DROPOUT(KernelCode.of(Elementwise::dropout)),
    ADAM_W(KernelCode.of(Optimizers::adamW)),
    SQUARES(KernelCode.of(Optimizers::squares)),
    ADD_SQUARES(KernelCode.of(Optimizers::addSquares)),
    COPY2D(KernelCode.of(Moves::copy2d)),
    COPY2D_INTS(KernelCode.of(Moves::copy2dInts)),
    GATHER_ROWS(KernelCode.of(Moves::gatherRows)),
    GATHER_ROWS_INTS(KernelCode.of(Moves::gatherRowsInts)),
    LINK_ROWS(KernelCode.of(Moves::linkRows)),
    ADD_LINKED_ROWS(KernelCode.of(Moves::addLinkedRows)),
    PERMUTE(KernelCode.of(Moves::permute)),
    PERMUTE_INTS(KernelCode.of(Moves::permuteInts)),
    EMBEDDING(KernelCode.of(Moves::embedding)),
    ADD_POSITIONS(KernelCode.of(Moves::addPositions)),
    GEMM(KernelCode.of(Gemm::gemm), Gemm.THREADS, Gemm.THREADS),
    GEMM_FINISH(KernelCode.of(Gemm::finish)),
    REDUCE_ROWS(KernelCode.of(RowKernels::reduceRows)),
    REDUCE_COLUMNS(KernelCode.of(RowKernels::reduceColumns)),
    ARGMAX(KernelCode.of(RowKernels::argmax)),
    COLUMN_SUM_PARTS(KernelCode.of(RowKernels::columnSumParts)),
    COLUMN_SUM(KernelCode.of(RowKernels::columnSum)),
    SOFTMAX(KernelCode.of(RowKernels::softmax)),
    SOFTMAX_BACKWARD(KernelCode.of(RowKernels::softmaxBackward)),
    LAYER_NORM(KernelCode.of(LayerNorms::layerNorm)),
    LAYER_NORM_BACKWARD(KernelCode.of(LayerNorms::backward)),
    LAYER_NORM_PARTS(KernelCode.of(LayerNorms::weightParts)),
    LAYER_NORM_WEIGHTS(KernelCode.of(LayerNorms::weights)),
    ATTENTION(KernelCode.of(AttentionTiles::forward), Gemm.THREADS, Gemm.THREADS),
    ATTENTION_DELTA(KernelCode.of(AttentionGradients::delta)),
    ATTENTION_QUERIES(KernelCode.of(AttentionGradients::queries), Gemm.THREADS, Gemm.THREADS),
    ATTENTION_KEYS(KernelCode.of(AttentionGradients::keys), Gemm.THREADS, Gemm.THREADS),
    ATTENTION_SOFTMAX(KernelCode.of(Attention::softmax)),
    ATTENTION_BACKWARD(KernelCode.of(Attention::backward)),
    ATTENTION_EXPAND(KernelCode.of(Attention::expand)),
    ATTENTION_STORE(KernelCode.of(Attention::store)),
    CROSS_ENTROPY(KernelCode.of(Losses::crossEntropy)),
    CROSS_ENTROPY_BACKWARD(KernelCode.of(Losses::backward)),
    CROSS_ENTROPY_BACKWARD_IN_PLACE(KernelCode.of(Losses::backwardInPlace)),
    THRESHOLD(KernelCode.of(Selections::threshold)),
    DOCUMENT_STARTS(KernelCode.of(Selections::documentStarts)),
    TAIL(KernelCode.of(Selections::tail)),
    DISTILLATION(KernelCode.of(Distillations::forward)),
    DISTILLATION_BACKWARD(KernelCode.of(Distillations::backward)),
    DISTILLATION_BACKWARD_IN_PLACE(KernelCode.of(Distillations::backwardInPlace));

    final KernelCode code;
    final int localX;
    final int localY;

    DeviceKernel(KernelCode code) {
        this(code, Control.THREADS, 1);
    }

    DeviceKernel(KernelCode code, int localX, int localY) {
        this.code = code;
        this.localX = localX;
        this.localY = localY;
    }
}
