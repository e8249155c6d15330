// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.KernelWatch;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every kernel of the seam, on every backend found, against the scalar backend in F64 on the same inputs; and the same bits
 * with any number of threads, run after run. A module with a backend of its own extends this class and has the tests: the
 * backend is found like any other. To ask for more, add to the case files beside this one.
 */
public abstract class KernelParity {
    private static final String REFERENCE = "scalar";

    /** All cases of all kernels. */
    public static List<KernelCase> cases() {
        return Stream
                .of(ElementwiseCases.all(), RowCases.all(), LayerNormCases.all(), MoveCases.all(), ProductCases.all(),
                        AttentionCases.all(), TrainingCases.all(), DistillationCases.all(), SelectionCases.all())
                .flatMap(List::stream).toList();
    }

    @Test
    void everyKernelOfTheSeamHasCases() {
        Set<String> kernels = KernelWatch.kernels().stream().map(Method::getName)
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> covered = cases().stream().map(KernelCase::kernel).collect(Collectors.toCollection(TreeSet::new));
        assertEquals(kernels, covered);
    }

    @Test
    void casesHaveNamesOfTheirOwn() {
        List<String> names = cases().stream().map(KernelCase::name).toList();
        Set<String> seen = new TreeSet<>();
        assertEquals(List.of(), names.stream().filter(n -> !seen.add(n)).toList());
    }

    @TestFactory
    Stream<DynamicNode> parity() {
        return usable().map(
                provider -> dynamicContainer(provider.name(), byKernel(provider, this::tests, KernelParity::parity)));
    }

    @TestFactory
    Stream<DynamicNode> sameBitsWithOneTwoAndThreeThreads() {
        return usable().map(
                provider -> dynamicContainer(provider.name(), byKernel(provider, this::tests, KernelParity::sameBits)));
    }

    interface Check {
        void run(BackendProvider provider, List<KernelCase> cases);
    }

    static Stream<DynamicNode> byKernel(BackendProvider provider, Predicate<String> tests, Check check) {
        List<KernelCase> tested = cases().stream().filter(c -> tests.test(c.kernel())).toList();
        assertTrue(!tested.isEmpty(), "no kernel is tested");
        return tested.stream().collect(Collectors.groupingBy(KernelCase::kernel, TreeMap::new, Collectors.toList()))
                .entrySet().stream().map(e -> dynamicTest(e.getKey(), () -> check.run(provider, e.getValue())));
    }

    static void parity(BackendProvider provider, List<KernelCase> cases) {
        try (Backend scalar = Backends.open(REFERENCE, 1); Backend backend = provider.open(0)) {
            for (KernelCase kernelCase : cases) {
                List<KernelRun.Output> want = KernelRun.of(kernelCase, scalar, DType.F64);
                List<KernelRun.Output> got = KernelRun.of(kernelCase, backend, DType.F32);
                for (int i = 0; i < want.size(); i++) {
                    KernelRun.Output w = want.get(i);
                    Closeness.check(kernelCase.name() + ": " + w.name(), got.get(i).values(), w.values(), w.bound());
                }
            }
        }
    }

    private static void sameBits(BackendProvider provider, List<KernelCase> cases) {
        try (Backend one = provider.open(1); Backend two = provider.open(2); Backend three = provider.open(3)) {
            for (KernelCase kernelCase : cases) {
                List<KernelRun.Output> first = KernelRun.of(kernelCase, one, DType.F32);
                for (Backend backend : List.of(one, two, three, three)) {
                    List<KernelRun.Output> again = KernelRun.of(kernelCase, backend, DType.F32);
                    for (int i = 0; i < first.size(); i++) {
                        assertTrue(Arrays.equals(first.get(i).values(), again.get(i).values()), kernelCase.name() + ": "
                                + again.get(i).name() + " differs with " + backend.description());
                    }
                }
            }
        }
    }

    /** The providers to test: all but the reference, unless a module tests its own alone. */
    protected Stream<BackendProvider> providers() {
        return Backends.all().stream().filter(p -> !p.name().equals(REFERENCE));
    }

    /** The kernels to test: all, unless a module asks for some. */
    protected boolean tests(String kernel) {
        return true;
    }

    /** One that cannot start here is left out, and says so. */
    private Stream<BackendProvider> usable() {
        return providers().filter(provider -> {
            String why = provider.unusableBecause();
            if (why != null) {
                System.err.println("NOT TESTED: backend '" + provider.name() + "': " + why);
            }
            return why == null;
        });
    }
}
