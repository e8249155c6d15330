// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Too little memory is said before a run, with what would fit. */
class RunPlanMemoryTest {
    /** GPT-2 with 8 windows: 9.4 GB, of which the logits are 1.65 GB in one tensor. */
    private static final RunPlan PLAN = new RunPlan(Path.of("run"), "data", MethodSpec.parse("cvar-loss"),
            Gpt2Config.of(12, 12, 768, 1024), TrainOptions.defaults().with(TrainOptions.BATCH_SIZE, 8), "",
            Optional.empty(), Optional.empty(), Optional.empty(), List.of(), Map.of(), List.of());

    private static Backend withMemory(long bytes, long... arrays) {
        return withScores(bytes, 0, arrays);
    }

    private static Backend withScores(long bytes, long scores, long... arrays) {
        return (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(), new Class<?>[] {Backend.class},
                (_, method, _) -> switch (method.getName()) {
                    case "memoryBytes" -> bytes;
                    case "arrays" -> arrays;
                    case "scoreBytes" -> scores;
                    case "name" -> "some";
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    private static Backend withArrays(int count, double gigabytes) {
        long[] arrays = new long[count];
        Arrays.fill(arrays, (long) (gigabytes * 1e9));
        return withMemory((long) (count * gigabytes * 1e9), arrays);
    }

    @Test
    void whatWouldFitIsSaid() {
        UserError e = assertThrows(UserError.class, () -> PLAN.checkMemory(withMemory(8_000_000_000L)));
        assertEquals(
                "training 124,439,808 parameters with 8 windows of 1024 tokens needs about 9.4 GB of memory, but backend "
                        + "'some' has only 8.0 GB. " + RunPlan.MEMORY_ADVICE + " A batch size of 6 fits.",
                e.getMessage());
        e = assertThrows(UserError.class, () -> PLAN.checkMemory(withMemory(2_000_000_000L)));
        assertTrue(e.getMessage().endsWith(RunPlan.MEMORY_ADVICE), e.getMessage());
        PLAN.checkMemory(withMemory(10_000_000_000L));
    }

    @Test
    void scoresThatADeviceKeepsCount() {
        UserError e = assertThrows(UserError.class,
                () -> PLAN.checkMemory(withScores(10_000_000_000L, 500_000_000L, 10_000_000_000L)));
        assertTrue(e.getMessage().contains("needs about 9.9 GB of memory, but backend 'some' has only 10.0 GB"),
                e.getMessage());
        assertTrue(PLAN.memoryPlan(withScores(12_000_000_000L, 500_000_000L, 12_000_000_000L)).orElseThrow()
                .endsWith("scores 0.50"));
    }

    @Test
    void aTensorMustFitInOneArray() {
        UserError e = assertThrows(UserError.class, () -> PLAN.checkMemory(withArrays(10, 1.5)));
        assertEquals(
                "training 124,439,808 parameters with 8 windows of 1024 tokens finds no room in the 10 arrays that the memory "
                        + "of backend 'some' has, since a tensor lies in one of them. " + RunPlan.MEMORY_ADVICE
                        + " A batch size of 7 fits.",
                e.getMessage());
        PLAN.checkMemory(withArrays(8, 2));
    }

    @Test
    void thePlanNamesTheArraysOfADevice() {
        assertEquals(Optional.empty(), PLAN.memoryPlan(withMemory(10_000_000_000L)));
        String plan = PLAN.memoryPlan(withArrays(2, 6)).orElseThrow();
        assertTrue(plan.startsWith("memory in GB: array 1 of 6.0 GB: weights 0.50, gradients 0.50, first moments 0.50"),
                plan);
        assertTrue(plan.contains("; array 2 of 6.0 GB: ") && plan.contains("logits 1.65"), plan);
    }
}
