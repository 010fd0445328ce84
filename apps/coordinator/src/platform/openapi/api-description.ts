import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** OpenAPI at `/docs` (page) and `/docs-json` (document); made at the first request, not at the start. */
export function serveApiDescription(app: INestApplication): void {
  const description = new DocumentBuilder()
    .setTitle('Tributary coordinator')
    .setDescription('Federated training of medical image generators. Errors are `Problem` bodies with stable codes.')
    .setVersion('1')
    .addBearerAuth()
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description));
}
