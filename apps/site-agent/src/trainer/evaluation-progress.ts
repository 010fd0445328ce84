/** Progress of an evaluation, in images: those to generate, and the classifier trainings counted as some images each. */
export class EvaluationProgress {
  private images = 0;
  private trainings = 0;

  constructor(
    private readonly plan: { readonly images: number; readonly trainings: number; readonly imagesPerTraining: number },
    private readonly report: (done: number, total: number) => void,
  ) {}

  readonly addImages = (count: number): void => {
    this.images += count;
    this.tell();
  };

  readonly setTrainings = (count: number): void => {
    this.trainings = count;
    this.tell();
  };

  private tell(): void {
    const { images, trainings, imagesPerTraining } = this.plan;
    this.report(this.images + this.trainings * imagesPerTraining, images + trainings * imagesPerTraining);
  }
}
