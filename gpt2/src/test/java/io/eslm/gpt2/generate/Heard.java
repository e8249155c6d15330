// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Remembers what it hears of a sequence. */
class Heard implements Listener {
    final List<TokenLogprobs> prompt = new ArrayList<>();
    final List<Integer> tokens = new ArrayList<>();
    final List<TokenLogprobs> logprobs = new ArrayList<>();
    TokenLogprobs endOfText;
    volatile Generation.End end;
    volatile Throwable error;
    int ends;
    private final CountDownLatch ended = new CountDownLatch(1);

    @Override
    public void onPrompt(List<TokenLogprobs> positions) {
        prompt.addAll(positions);
    }

    @Override
    public boolean onToken(int id, TokenLogprobs of) {
        logprobs.add(of);
        return tokens.add(id);
    }

    @Override
    public void onEndOfText(TokenLogprobs of) {
        endOfText = of;
    }

    @Override
    public void onEnd(Generation.End how, Throwable why) {
        ends++;
        end = how;
        error = why;
        ended.countDown();
    }

    /** Waits for the end. */
    Heard await() {
        try {
            if (!ended.await(1, TimeUnit.MINUTES)) {
                throw new AssertionError("a sequence did not end");
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return this;
    }

    int[] ids() {
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }
}
