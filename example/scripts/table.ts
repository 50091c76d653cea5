import type { ReceiverReport } from "./check.js";

const MAX_PROBLEMS_SHOWN = 10;

export function printReports(
  reports: ReceiverReport[],
  ingressProblems: string[],
): void {
  console.table(
    Object.fromEntries(
      reports.map(({ receiver, problems, ...numbers }) => [
        receiver,
        { ...numbers, check: problems.length === 0 ? "ok" : "WRONG" },
      ]),
    ),
  );
  const problems = [
    ...ingressProblems.map((problem) => `ingress: ${problem}`),
    ...reports.flatMap(({ receiver, problems }) =>
      problems.map((problem) => `${receiver}: ${problem}`),
    ),
  ];
  for (const problem of problems.slice(0, MAX_PROBLEMS_SHOWN)) {
    console.error(problem);
  }
  if (problems.length > MAX_PROBLEMS_SHOWN) {
    console.error(`… and ${problems.length - MAX_PROBLEMS_SHOWN} more`);
  }
}
